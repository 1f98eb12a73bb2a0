// Arguments and environment come from the log.
//# args: a b=c
//# env: ITEST=value
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern char **environ;
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) printf("%s ", argv[i]);
  const char *v = getenv("ITEST"); printf("%s %s\n", v ? v : "none", getenv("ITARGET_MODE") ? "leaked" : "clean");
  setenv("ITEST2", "two", 1); printf("%s\n", getenv("ITEST2")); int n = 0; for (char **e = environ; *e; e++) n += !strncmp(*e, "ITEST", 5); printf("%d\n", n);
  return 0;
}
