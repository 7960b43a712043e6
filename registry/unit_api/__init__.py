"""The interface for machines of the units (`/units/v1`): behind keys, each with its scopes; every use is written down."""
