// The order that a program gives to fts_open is asked for in fts_read.
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
static int calls;
static int fc(const FTSENT **a, const FTSENT **b) { calls++; return strcmp((*a)->fts_name, (*b)->fts_name); }
int main(void) {
  mkdir("d", 0700);
  for (int i = 0; i < 7; i++) { char n[20]; sprintf(n, "d/%d", i * 5 % 7); fclose(fopen(n, "w")); }
  char *pa[] = {"d", NULL}; FTSENT *en;
  FTS *f = fts_open(pa, FTS_PHYSICAL, fc);
  while ((en = fts_read(f))) if (en->fts_info == FTS_F) { puts(en->fts_name); remove(en->fts_accpath); }
  fts_close(f);
  printf("%d\n", calls > 0);
  rmdir("d");
  return 0;
}
