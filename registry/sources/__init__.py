"""Lists of other courts (policy B1: 最高人民法院、省高级人民法院、中级人民法院) that are taken over, read-only."""
