// nl_langinfo gives numbers in the place of texts for some items, and getdate_err is a variable that getdate sets.
#define _GNU_SOURCE
#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void) {
  printf("%lu\n", (unsigned long)(uintptr_t)nl_langinfo(_NL_TIME_WEEK_1STDAY));
  printf("%s %d\n", nl_langinfo(DAY_2), nl_langinfo(_NL_TIME_FIRST_WEEKDAY)[0]);
  setenv("DATEMSK", "/nonexistent", 1);
  int none = getdate("x") == NULL;
  printf("%d %d\n", none, getdate_err);
  return 0;
}
