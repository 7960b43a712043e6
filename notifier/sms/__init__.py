"""SMS: what is said, what it costs, which way it goes, and what became of it.

`texts`, `templates`, `segments`, `numbers`, `outcomes` and `routing` decide and reach for nothing; `twilio_channel` and
`aliyun_channel` each call one provider; `channel` is the face that the outbox knows; `receipts` reads what providers
send to us.
"""
