// as docs/vanished.md says
