"""WeChat (official account): what followers say and are answered, and what is sent to them."""
