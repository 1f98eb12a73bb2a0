; A store that a replay leaves out when its memory is not mapped there.
; site: f 1 {"do":"store","checked":true}
; has: call i32 @__itarget_may_store(ptr %q)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
define i32 @f(ptr %p, ptr %q) {
  %v = load i32, ptr %p
  store i32 %v, ptr %q
  ret i32 %v
}
define i32 @main() {
  ret i32 0
}
