"""A public side that no network reaches: the journal as signed files one way, sealed submissions the other way."""
