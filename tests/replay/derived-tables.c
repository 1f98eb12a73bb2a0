// Tables of functions that are looked at by the type of the one that they are derived from: no function is cast anywhere, the tables are.
// It repeats the members of its base, and so do the structures that its functions get.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct driver { struct driver *next; char *name; struct info *info; void *options; int line; };
struct info { char *name; void *options; int size; void (*init)(struct driver *); };

struct router { struct router *next; char *name; struct router_info *info; void *options; int line; int (*code)(struct router *, const char *); };
struct router_info { char *name; void *options; int size; void (*init)(struct router *); int (*code)(struct router *, const char *); };

struct transport { struct transport *next; char *name; struct transport_info *info; void *options; int line; long limit; };
struct transport_info { char *name; void *options; int size; void (*init)(struct transport *); long (*code)(struct transport *, long); };

struct accept_options { int seen; };
static int accept_code(struct router *r, const char *address) { return ((struct accept_options *)r->options)->seen + (int)strlen(address); }
static void accept_init(struct router *r) { r->code = accept_code; ((struct accept_options *)r->options)->seen += 10; }
static void drop_init(struct router *r) { r->code = NULL; }
static long file_code(struct transport *t, long n) { return n < t->limit ? n : t->limit; }
static void file_init(struct transport *t) { t->limit = 100 + t->line; }

static struct accept_options accept_defaults = { 1 };
static struct router_info routers[] = {
  { "accept", &accept_defaults, sizeof accept_defaults, accept_init, accept_code },
  { "drop", &accept_defaults, sizeof accept_defaults, drop_init, NULL },
};
static struct transport_info transports[] = { { "file", &accept_defaults, sizeof accept_defaults, file_init, file_code } };

static struct driver *make(struct info *all, int count, size_t stride, size_t size, const char *name, int line) {
  struct driver *d = calloc(1, size);
  for (int i = 0; i < count; i++) {
    struct info *info = (struct info *)((char *)all + i * stride);
    if (strcmp(info->name, name) != 0) continue;
    d->info = info;
    d->name = info->name;
    d->line = line;
    d->options = malloc(info->size);
    memcpy(d->options, info->options, info->size);
  }
  return d;
}

static void init(struct driver *d) { (d->info->init)(d); }

int main(void) {
  int base = getpid() > 0 ? 3 : 4;
  struct router *a = (struct router *)make((struct info *)routers, 2, sizeof *routers, sizeof *a, "accept", base);
  struct router *b = (struct router *)make((struct info *)routers, 2, sizeof *routers, sizeof *b, "drop", base);
  struct transport *t = (struct transport *)make((struct info *)transports, 1, sizeof *transports, sizeof *t, "file", base);
  init((struct driver *)a);
  init((struct driver *)b);
  init((struct driver *)t);
  printf("%s %d %d\n", a->name, a->code(a, "somebody"), b->code == NULL);
  printf("%s %ld %ld\n", t->name, t->info->code(t, 7), t->info->code(t, 700));
  return 0;
}
