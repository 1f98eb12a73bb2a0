// The interface of termcap: the library sets variables that are the program's own, and writes texts where the program's pointer leads.
//# libs: -l:libtinfo.so.6
//# env: TERM=xterm
#include <stdio.h>
#include <stdlib.h>

short ospeed = 7;
char PC = 'x';
char *UP, *BC;
int tgetent(char *, const char *), tgetnum(const char *), tgetflag(const char *), tputs(const char *, int, int (*)(int));
char *tgetstr(const char *, char **), *tgoto(const char *, int, int);

static char entry[2048], area[1024];

static int put(int c) { return printf("[%d]", c); }

static void show(const char *what, const char *text) {
  printf("%s:", what);
  if (text == NULL) printf(" none");
  for (; text != NULL && *text; text++) printf(" %d", *text);
  putchar('\n');
}

int main(void) {
  char *at = area, *home, *clear;
  printf("%d\n", tgetent(entry, getenv("TERM")));
  printf("%d %d\n", tgetnum("co"), tgetflag("am"));
  home = tgetstr("cm", &at);
  clear = tgetstr("cl", &at);
  show("cm", home);
  show("cl", clear);
  show("ce", tgetstr("ce", NULL));
  show("zz", tgetstr("zz", &at));
  printf("%d %d %d\n", (int)(at - area), home == area, clear > home);
  show("cm", tgoto(home, 3, 4));
  tputs(clear, 1, put);
  putchar('\n');
  show("UP", UP);
  show("BC", BC);
  printf("%d %d\n", PC, ospeed);
  return 0;
}
