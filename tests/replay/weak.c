// Weak functions: one that nobody defines has no address, directly and through a pointer; one of the library has, and is called by name
// and through a pointer that code made.
#include <stdio.h>
#include <unistd.h>
extern int nowhere(const char *) __attribute__((weak));
extern int puts(const char *) __attribute__((weak));
extern pid_t getpid(void) __attribute__((weak));
static pid_t (*volatile number)(void);
static int (*volatile pointer)(const char *);
static int (*table[])(const char *) = {nowhere};
int main(void) {
  pointer = nowhere;
  if (nowhere) printf("%d\n", nowhere("called"));
  if (pointer) printf("%d\n", pointer("called"));
  if (table[0]) printf("%d\n", table[0]("called"));
  printf("%d %d %d\n", nowhere == 0, pointer == 0, table[0] == 0);
  if (puts) puts("there");
  number = getpid;
  printf("%d\n", number && number() > 0);
  return 0;
}
