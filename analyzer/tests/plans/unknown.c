// Nobody has said what `mystery` does: all it can reach is environment, its reads are logged.
struct node {
  int value;
  struct node *next;
};
int mystery(struct node *n);
static struct node tail = {1, 0};
static int untouched = 7;
int main(void) {
  struct node head = {2, &tail};
  untouched += mystery(&head);
  return head.value + tail.value + untouched;
}
