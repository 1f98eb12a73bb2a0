; Allocation by side, and library functions that the runtime replaces.
; mixed: {"name":"f:1","ranges":[[8,16]],"stride":24}
; site: f 0 {"do":"alloc","runtime":"__itarget_malloc","objid":0}
; site: f 1 {"do":"alloc","runtime":"__itarget_calloc","objid":1}
; site: f 2 {"do":"alloc","runtime":"__itarget_realloc","objid":2}
; site: f 3 {"do":"replace","runtime":"__itarget_free"}
; site: f 4 {"do":"replace","runtime":"__itarget_exit"}
; has: call ptr @__itarget_malloc(i64 10, i32 0)
; has: call ptr @__itarget_calloc(i64 2, i64 5, i32 1)
; has: call ptr @__itarget_realloc(ptr %1, i64 48, i32 2)
; has: call void @__itarget_free(ptr %2)
; has: call void @__itarget_exit(i32 3)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare ptr @malloc(i64)
declare ptr @calloc(i64, i64)
declare ptr @realloc(ptr, i64)
declare void @free(ptr)
declare void @exit(i32)
define void @f() {
  %a = call ptr @malloc(i64 10)
  %b = call ptr @calloc(i64 2, i64 5)
  %c = call ptr @realloc(ptr %a, i64 48)
  call void @free(ptr %b)
  call void @exit(i32 3)
  unreachable
}
define i32 @main() {
  ret i32 0
}
