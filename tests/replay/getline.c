#define _GNU_SOURCE
// getline allocates, the program frees; strdup, realpath, getcwd, asprintf likewise.
//# stdin: first line\nsecond, rather longer than the first one was\n\nlast
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char *line = NULL; size_t cap = 0; ssize_t n; int lines = 0;
  while ((n = getline(&line, &cap, stdin)) > 0) { line[strcspn(line, "\n")] = 0; printf("%zd:%s\n", n, line); char *d = strdup(line); if (strcmp(d, line)) return 1; free(d); lines++; }
  free(line);
  char *cwd = getcwd(NULL, 0); char *rp = realpath("/usr/../usr", NULL); char *s; if (asprintf(&s, "%d %s", lines, rp) < 0) return 2;
  printf("%s %d\n", s, cwd && cwd[0] == '/'); free(cwd); free(rp); free(s);
  return 0;
}
