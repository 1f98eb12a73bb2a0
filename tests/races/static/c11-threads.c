// Threads and locks of C11.
//# races: free
#include <threads.h>
static long held, free;
static mtx_t lock;
static int work(void *arg) {
  mtx_lock(&lock);
  held++;
  mtx_unlock(&lock);
  free++;
  return 0;
}
int main(void) {
  thrd_t t;
  mtx_init(&lock, mtx_plain);
  for (int i = 0; i < 3; i++) thrd_create(&t, work, NULL);
  return 0;
}
