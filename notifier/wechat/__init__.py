"""The official account: the conversation, the gateway's reading of what arrives, and the channel to followers."""

# The channel of the outbox that messages to followers are queued on.
CHANNEL = "wechat"
