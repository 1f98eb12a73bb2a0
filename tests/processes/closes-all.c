// A daemon that closes every descriptor it may have, then uses their numbers for files of its own.
//# processes: 2
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { MOST = 1024 };
static int child(const char *name) {
  for (int i = 0; i < MOST; i++) close(i);
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), last = fd;
  // Descriptors up to the end of the table lead to the file.
  while (last < MOST - 1 && (last = dup(fd)) >= 0) { }
  for (int i = 0; i < 100; i++) {
    char text[40];
    int n = snprintf(text, sizeof text, "line %d of %d\n", i, (int)lseek(fd, 0, SEEK_CUR) % 7);
    if (write(fd, text, (size_t)n) != n) return 1;
  }
  return 23;
}
int main(void) {
  char name[] = "/tmp/itarget-closes-XXXXXX", text[64];
  int status, fd = mkstemp(name), lines = 0;
  if (fd < 0) return 1;
  if (fork() == 0) _exit(child(name));
  wait(&status);
  FILE *f = fopen(name, "r");
  if (f == NULL) return 2;
  while (fgets(text, sizeof text, f) != NULL) lines++;
  fclose(f);
  remove(name);
  printf("%d lines, status %d, last %s", lines, WEXITSTATUS(status), text);
  return 0;
}
