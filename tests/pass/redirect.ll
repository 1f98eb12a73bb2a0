; A wrapper of malloc, copied for the callers that want the environment's side.
; clone: xmalloc.env xmalloc
; site: xmalloc 0 {"do":"alloc","runtime":"__itarget_malloc","objid":0}
; site: xmalloc.env 0 {"do":"alloc","runtime":"__itarget_malloc","objid":1}
; site: f 1 {"do":"redirect","to":"xmalloc.env"}
; has: %a = call ptr @xmalloc(i64 %n)
; has: %b = call ptr @xmalloc.env(i64 %n)
; has: call ptr @__itarget_malloc(i64 %n, i32 1)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare ptr @malloc(i64)
define ptr @xmalloc(i64 %n) {
  %p = call ptr @malloc(i64 %n)
  ret ptr %p
}
define ptr @f(i64 %n) {
  %a = call ptr @xmalloc(i64 %n)
  %b = call ptr @xmalloc(i64 %n)
  ret ptr %b
}
define i32 @main() {
  ret i32 0
}
