// A shell's `>&2`: stdout leads to stderr for a while, and back; then stderr to stdout.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(int fd, const char *text) { if (write(fd, text, strlen(text)) < 0) _exit(9); }

int main(void) {
  int out = fcntl(1, F_DUPFD, 10), err = fcntl(2, F_DUPFD, 10);
  puts("to stdout");
  fflush(stdout);
  dup2(2, 1);
  puts("to stderr, by stdout");
  fflush(stdout);
  say(1, "to stderr, by descriptor 1\n");
  say(out, "to stdout, by its duplicate\n");
  dup2(out, 1);
  puts("to stdout again");
  fflush(stdout);
  dup2(out, 2);
  fprintf(stderr, "to stdout, by stderr\n");
  dup2(err, 2);
  fprintf(stderr, "to stderr again\n");
  // What waits in the buffer goes where it leads then.
  printf("buffered, then led to stderr\n");
  dup2(err, 1);
  fflush(stdout);
  dup2(out, 1);
  close(out);
  close(err);
  puts("end");
  return 0;
}
