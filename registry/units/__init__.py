"""The units of joint punishment (联合惩戒单位) and the leading group (领导小组): who they are, what they receive, how their
people sign in, the measures they answer for, their ledger (台账) and what they report each quarter."""
