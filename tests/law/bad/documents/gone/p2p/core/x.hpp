// as docs/vanished.md says (VANISHED: how), see LOSTPAGE
int x();  // GONEPAGE 3
