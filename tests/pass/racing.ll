; Loads and stores of memory that threads may race for: a word and a float, which are a group, more than a word (whose loads are logged whole); and where it may lie elsewhere at replay.
; site: f 0 {"do":"load","how":"always","raced":"yes"}
; site: f 1 {"do":"load","how":"always","raced":"yes"}
; site: f 2 {"do":"load","how":"always","raced":"yes"}
; site: f 3 {"do":"store","raced":"yes"}
; site: f 4 {"do":"store","checked":true,"raced":"yes"}
; site: g 0 {"do":"load","how":"always","raced":"mapped"}
; site: g 1 {"do":"store","raced":"mapped"}
; has: load volatile ptr, ptr @__itarget_hits
; has: call preserve_mostcc i64 @__itarget_race_missed4(ptr %p, i32 268435456)
; has: call preserve_mostcc i64 @__itarget_race_missed8(ptr %p, i32 1)
; has: call preserve_mostcc i64 @__itarget_race8(ptr %55, i32 2)
; has: load volatile ptr, ptr @__itarget_view
; has: call preserve_mostcc i64 @__itarget_race_mapped_missed4(ptr %p, i32 -2147483643)
; has: icmp ule i64
; has: call i32 @__itarget_may_store(ptr %q)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
define i128 @f(ptr %p, ptr %q, ptr %r) {
  %a = load i32, ptr %p
  %b = load double, ptr %p
  %c = load i128, ptr %p
  store double %b, ptr %r
  store <4 x i32> zeroinitializer, ptr %q
  store i32 %a, ptr %p
  ret i128 %c
}
define i32 @g(ptr %p) {
  %a = load i32, ptr %p
  store i32 1, ptr %p
  ret i32 %a
}
define i32 @main() {
  ret i32 0
}
