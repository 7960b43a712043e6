"""How long private data is kept, and its erasure when the time is over (个人信息保护法 arts. 19, 47)."""
