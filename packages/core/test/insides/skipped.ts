/**
 * The tests that cannot pass with an Effect of which we know nothing but what it promises, and why. All others do.
 */
import { beforeEach } from "vitest"

const reasons: Readonly<Record<string, ReadonlyArray<string>>> = {
  "Effect drops the value of an uninterruptible region at whose end it interrupts, and does not say who is in one": [
    "3.5 a ref from an Effect can be cancelled: the effect is interrupted, finalizers included",
    "5.2 a method that finished in an uninterruptible region keeps its true result",
    "5.2 a method that finishes in an uninterruptible region keeps its true result",
    "5.2 a span does not cost an uninterruptible method its result",
    "6.3 kill lets a call finish that cannot be interrupted, and keeps its true result",
    "6.7 running calls are interrupted and fail with ActorUnavailable: they may have executed",
    "(stronger) a method that finishes in an uninterruptible region keeps its result: AlreadyDone",
    "test_kill: a call that cannot be interrupted ends truthfully first; meanwhile the actor takes no calls"
  ],
  "a call that was told to end, and waits where it cannot be interrupted, is not known from one that is about to end": [
    "kill of an actor one of whose calls cannot be interrupted",
    "so it is when the Scope of the actor closes",
    "an uninterruptible call that cancels itself",
    "a restart that waits for a call which cannot be interrupted, and asks the actor"
  ],
  "the forks of a fiber outside of all actors are not seen, so its waits count as waits that may end": [
    "who reads a stream and asks the actor that streams",
    "so with a ref, through another actor, and for want of room",
    "two streams of one reader, at one permit",
    "8.1 a reader that publishers wait for and that waits for them is a deadlock",
    "8.1 it is found when other readers have read, and not while one of them may",
    "who reads a stream and stops the actor that streams does not wait for it",
    "calls that ask, read, stop and kill never hang, nor do finalizers that ask",
    "12.1 so is one that leads through the reader of a stream",
    "12.1 so is one that leads through the reader of a stream, the other way round"
  ],
  "of two copies one is bundled with an Effect whose insides it knows, and notes nothing that the other needs": [
    "12.1 a deadlock that leads through both is found, the other way round"
  ],
  "an ask in steps looks at its result once more, and tools are told of each look at a failure": [
    "tells of failures that need no report: of waiters, of those who look later, and of calls that were cancelled"
  ],
  "Effect prints the frames of every function whose name it does not know for its own": [
    "9.3 a printed cause ends where our insides begin",
    "9.3 a printed cause has the call between the frames of its method and of its caller",
    "9.3 the stack of an error has the frames that a printed cause has, and a printed cause has them once",
    "9.3 a printed cause and the stack of its error have the call, and then what asked for it"
  ],
  "Effect makes the error of a service that is missing, whose message is then its own": [
    "1.6 an actor that no Layer provides: the error names the Layer",
    "4.1 it requires Driver"
  ],
  "what an Effect.suspend gives is seen by the fiber alone, which has words of its own for what is no Effect": [
    "1.6 a method that returns no Effect is a defect that says so, and never harms the actor"
  ]
}

const reasonOf = new Map(Object.entries(reasons).flatMap(([reason, tests]) => tests.map((test) => [test, reason])))

beforeEach(({ skip, task }) => {
  const reason = reasonOf.get(task.name) ?? reasonOf.get(task.suite?.name ?? "")
  if (reason !== undefined) skip(reason)
})
