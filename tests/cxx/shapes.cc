// Plain C++: classes, virtual functions, templates, a static object, new and delete.
#include <cstdio>
#include <ctime>
#include <unistd.h>

namespace {

struct Shape {
  virtual ~Shape() {}
  virtual double area() const = 0;
};

struct Square : Shape {
  explicit Square(double s) : side(s) {}
  double area() const override { return side * side; }
  double side;
};

struct Disc : Shape {
  explicit Disc(double r) : radius(r) {}
  double area() const override { return 3 * radius * radius; }
  double radius;
};

template <typename T> struct List {
  struct Node {
    T value;
    Node *next;
  };
  Node *head = nullptr;
  void push(T v) { head = new Node{v, head}; }
  ~List() {
    while (Node *n = head) {
      head = n->next;
      delete n;
    }
  }
};

struct Log {
  Log() : started(time(nullptr)) {}
  ~Log() { std::printf("%ld lines\n", lines); }
  time_t started;
  long lines = 0;
} the_log;

} // namespace

int main(int argc, char **argv) {
  List<Shape *> shapes;
  char line[64];
  double side;
  while (std::fgets(line, sizeof line, stdin))
    if (std::sscanf(line, "square %lf", &side) == 1)
      shapes.push(new Square(side));
    else if (std::sscanf(line, "disc %lf", &side) == 1)
      shapes.push(new Disc(side));
  for (auto *n = shapes.head; n; n = n->next, the_log.lines++)
    std::printf("%.2f\n", n->value->area());
  std::printf("%s %d process %d since %lld\n", argv[argc - 1], argc, static_cast<int>(getpid()), static_cast<long long>(the_log.started));
  for (auto *n = shapes.head; n; n = n->next)
    delete n->value;
  return static_cast<int>(the_log.lines);
}
