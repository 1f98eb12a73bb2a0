; Loads: always logged (a word, a float, more than a word), and told apart by address.
; site: f 0 {"do":"load","how":"always"}
; site: f 1 {"do":"load","how":"always"}
; site: f 2 {"do":"load","how":"always"}
; site: f 3 {"do":"load","how":"checked"}
; site: f 4 {"do":"load","how":"checked"}
; has: call i64 @__itarget_ld(ptr %p, i32 4, i32 0)
; has: call i64 @__itarget_ld(ptr %p, i32 8, i32 1)
; has: call void @__itarget_ldn(ptr %p, ptr
; has: call i64 @__itarget_ck(ptr %p, i32 1, i32 3)
; has: call void @__itarget_ckn(ptr %q, ptr
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
define i128 @f(ptr %p, ptr %q, ptr %r, ptr %t) {
  %a = load i32, ptr %p
  %b = load double, ptr %p
  %c = load i128, ptr %p
  %d = load i8, ptr %p
  %e = load i128, ptr %q
  store i32 %a, ptr %r
  store double %b, ptr %t
  store i8 %d, ptr %q
  %s = add i128 %c, %e
  ret i128 %s
}
define i32 @main() {
  ret i32 0
}
