// A named semaphore, which other processes may use, too.
//# libs: -pthread
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  char name[40];
  int v = -1;
  snprintf(name, sizeof name, "/itarget-%ld", (long)getpid());
  sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
  if (s == SEM_FAILED) return 1;
  sem_unlink(name);
  sem_wait(s);
  sem_getvalue(s, &v);
  printf("%d\n", v);
  int r = sem_trywait(s);
  sem_getvalue(s, &v);
  printf("%d %d\n", r, v);
  r = sem_trywait(s);
  printf("%d %d\n", r, errno == EAGAIN);
  sem_post(s);
  sem_getvalue(s, &v);
  printf("%d\n", v);
  sem_close(s);
  return 0;
}
