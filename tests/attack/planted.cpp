// SPDX-License-Identifier: MIT
// One fault for each sanitizer to see, before its silence on the real code is believed. `sanitize.sh` compiles this
// file twice with the very flags of the build: as a library that the interpreter calls, and as a program.
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {
volatile int past = 8;
volatile int largest = INT_MAX;
volatile int result;
int shared = 0;
}  // namespace

extern "C" {

// Reads one past the end: AddressSanitizer.
int heap_overflow() {
  int* volatile values = new int[8]();  // volatile: UndefinedBehaviorSanitizer, which knows the size, comes first
  const int read = values[past];
  delete[] values;
  return read;
}

// Adds one to the largest int: UndefinedBehaviorSanitizer.
int signed_overflow() { return largest + 1; }

// Forgets what it allocated: LeakSanitizer.
void leak() {
  volatile char* forgotten = static_cast<char*>(std::malloc(12345));
  forgotten[0] = 1;
  forgotten = nullptr;
}

// Two threads count in one variable: ThreadSanitizer.
int race() {
  const auto count = [] {
    for (int i = 0; i < 1000; ++i) ++shared;
  };
  std::thread first(count), second(count);
  first.join();
  second.join();
  return shared;
}
}

int main(int, char** arguments) {
  if (!std::strcmp(arguments[1], "heap_overflow")) result = heap_overflow();
  if (!std::strcmp(arguments[1], "signed_overflow")) result = signed_overflow();
  if (!std::strcmp(arguments[1], "leak")) leak();
  if (!std::strcmp(arguments[1], "race")) race();
  std::puts("ended");
}
