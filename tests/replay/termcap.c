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

int main(void) {
  char *at = area, *home, *clear;
  const char *texts[7];
  printf("%d\n", tgetent(entry, getenv("TERM")));
  printf("%d %d\n", tgetnum("co"), tgetflag("am"));
  texts[0] = home = tgetstr("cm", &at);
  texts[1] = clear = tgetstr("cl", &at);
  texts[2] = tgetstr("ce", NULL);
  texts[3] = tgetstr("zz", &at);
  printf("%d %d %d\n", (int)(at - area), home == area, clear > home);
  texts[4] = tgoto(home, 3, 4);
  tputs(clear, 1, put);
  putchar('\n');
  texts[5] = UP;
  texts[6] = BC;
  for (int i = 0; i < 7; i++) {
    const char *text = texts[i];
    printf("%d:", i);
    if (text == NULL) printf(" none");
    for (; text != NULL && *text; text++) printf(" %d", *text);
    putchar('\n');
  }
  printf("%d %d\n", PC, ospeed);
  return 0;
}
