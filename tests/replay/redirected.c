// What is printed after stdout and stderr were redirected goes elsewhere: a replay does not show it; it shows what comes once
// they lead back.
//# level: R3
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char text[200] = "";
  int file = open("redirected.out", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0) return 1;
  int out = dup(1), err = dup(2);
  printf("shown %d\n", 1);
  fflush(stdout);
  dup2(file, 1);
  dup2(file, 2);
  printf("hidden %d\n", 2);
  puts("hidden 3");
  fflush(stdout);
  fprintf(stderr, "hidden %d\n", 4);
  if (write(1, "hidden 5\n", 9) != 9 || write(2, "hidden 6\n", 9) != 9) return 2;
  dup2(err, 2);
  fprintf(stderr, "shown %d\n", 7);
  dup2(out, 1);
  close(1);
  if (dup(out) != 1) return 3;
  printf("shown %d\n", 8);
  lseek(file, 0, SEEK_SET);
  ssize_t n = read(file, text, sizeof text - 1);
  printf("%zd bytes: %s", n, text);
  remove("redirected.out");
  return 0;
}
