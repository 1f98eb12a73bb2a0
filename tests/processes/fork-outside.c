// fork by functions that are not replayed, and by one that is: children are recorded in the middle of what the environment does.
//# processes: 5
//# target: outer
//# shows: outer
//# children: print
//# varies: output
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { CHILDREN = 3, BLOCKS = 100 };
static unsigned char block[1 << 16];
static char last[100];
static int total;
__attribute__((noinline)) static int work(const char *s, int k) {
  int n = 0;
  for (; *s; s++) n = n * 31 + *s * k;
  total = (total + n) % 1000003;
  char *text = malloc(20);
  snprintf(text, 20, "%d", n);
  strcpy(last, text);
  free(text);
  return (n + (int)getpid() % 2) & 63;
}
__attribute__((noinline)) static int outer(int k) {
  char text[20];
  int status = 0;
  snprintf(text, sizeof text, "%d", (int)getpid());
  int r = work(text, k);
  printf("outer %d %s\n", k, text);
  if (k == 3) {
    if (fork() == 0) _exit(work(text, 9));
    wait(&status);
  }
  return (r + WEXITSTATUS(status)) & 63;
}
int main(void) {
  int p[2], status, sum = 0;
  char byte;
  // So much is read here that main stays outside.
  FILE *f = fopen("/dev/zero", "r");
  if (f == NULL || pipe(p) != 0) return 1;
  for (int i = 0; i < BLOCKS; i++) {
    if (fread(block, 1, sizeof block, f) == 0) return 2;
    for (size_t k = 0; k < sizeof block; k++) sum += block[k] == 0;
  }
  fclose(f);
  printf("%d %d\n", sum, outer(1));
  fflush(stdout);
  for (int i = 0; i < CHILDREN; i++)
    if (fork() == 0) {
      if (read(p[0], &byte, 1) != 1) return 3;
      int r = outer(i + 2);
      printf("child %d %d\n", i, total);
      exit(r);
    }
  for (int i = 0; i < CHILDREN; i++)
    if (write(p[1], "x", 1) != 1) return 4;
  for (int i = 0; i < CHILDREN; i++) wait(&status);
  printf("%d %s\n", total, last);
  return 0;
}
