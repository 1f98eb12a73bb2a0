// Messages by which programs say what went wrong: the text of errno, the name of the program.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
static const char *const all[] = {"perror", "psignal", "error", "error_at_line", "warn", "warnx"};
int main(void) {
  printf("at first %d %m\n", errno);
  errno = EACCES;
  perror("the first on stderr");
  program_invocation_name = program_invocation_short_name = "messages";
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *how = all[i];
    errno = ENOENT;
    if (!strcmp(how, "perror")) perror("perror");
    else if (!strcmp(how, "psignal")) psignal(SIGTERM, "psignal");
    else if (!strcmp(how, "error")) error(0, ENOENT, "error %d", 1);
    else if (!strcmp(how, "error_at_line")) error_at_line(0, EPERM, "file.c", 3, "line %s", "x");
    else if (!strcmp(how, "warn")) warn("warn %d", 2);
    else if (!strcmp(how, "warnx")) warnx("warnx %d: %m", 3);
    printf("%s: %d\n", how, errno);
  }
  errno = EBUSY;
  fprintf(stderr, "%d%% of %-30m|\n", 7);
  perror(NULL);
  perror("");
  printf("again %d\n", errno);
  return 0;
}
