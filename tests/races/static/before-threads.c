// What main does before the first thread does not race, wherever it is done; what it does after it does.
//# races: late, late_too
#include <pthread.h>
static int table[16], limit, late, late_too;
static void fill(void) { for (int i = 0; i < 16; i++) table[i] = i; }
static void *work(void *arg) { return (void *)(long)(table[limit] + late + late_too); }
static void begin(void) {
  pthread_t t;
  limit = 3;
  pthread_create(&t, NULL, work, NULL);
  late = 1;
}
int main(void) {
  fill();
  begin();
  late_too = 1;
  return 0;
}
