// What a thread may ask about itself and others: id, name, affinity, priority, CPU clock.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *arg) {
  char name[16], got[16];
  struct sched_param p;
  struct timespec t;
  cpu_set_t set;
  clockid_t clock;
  int policy;
  snprintf(name, sizeof name, "worker %ld", (long)arg);
  pthread_setname_np(pthread_self(), name);
  pthread_getname_np(pthread_self(), got, sizeof got);
  pthread_getschedparam(pthread_self(), &policy, &p);
  pthread_getaffinity_np(pthread_self(), sizeof set, &set);
  pthread_getcpuclockid(pthread_self(), &clock);
  clock_gettime(clock, &t);
  sched_yield();
  pthread_mutex_lock(&lock);
  printf("%s %ld %d policy %d %d cpus %d cpu %d ns %ld\n", got, (long)syscall(SYS_gettid), (int)getpid() == (int)gettid(), policy,
         p.sched_priority, CPU_COUNT(&set), sched_getcpu(), t.tv_nsec);
  pthread_mutex_unlock(&lock);
  return NULL;
}
int main(void) {
  pthread_t t[3];
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  printf("%d %d\n", pthread_equal(t[0], pthread_self()), pthread_equal(pthread_self(), pthread_self()) != 0);
  printf("concurrency %d\n", pthread_getconcurrency());
  return 0;
}
