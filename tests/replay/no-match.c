// A regular expression that does not match writes nothing: what was there stays, and none of it is in the log.
//# log-below: 20000
#include <regex.h>
#include <stdio.h>
#include <string.h>
enum { ROUNDS = 2000, GROUPS = 16 };
int main(void) {
  regex_t r;
  regmatch_t m[GROUPS];
  char line[64];
  int failed = 0;
  long sum = 0;
  if (regcomp(&r, "^([a-z]+) ([0-9]+)$", REG_EXTENDED) != 0) return 1;
  for (int g = 0; g < GROUPS; g++) m[g] = (regmatch_t){ -7, -7 };
  failed += regexec(&r, "no number", GROUPS, m, 0) == REG_NOMATCH;
  printf("%d: %d %d\n", failed, (int)m[0].rm_so, (int)m[15].rm_eo);
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(line, sizeof line, i % 500 == 3 ? "word %d" : "%d", i);
    if (regexec(&r, line, GROUPS, m, 0) != 0) failed++;
    for (int g = 0; g < 4; g++) sum += m[g].rm_so * (g + 1) + m[g].rm_eo;
  }
  printf("%d failed, %ld, last group %d to %d\n", failed, sum, (int)m[2].rm_so, (int)m[2].rm_eo);
  regfree(&r);
  return 0;
}
