const { Actor, AsyncHandle } = require("@troupe/core")
const { Effect, ManagedRuntime } = require("effect")

class Greeter extends Actor.Service()("app/Greeter", {
  make: Effect.succeed({ greet: (name) => Effect.succeed(`Hello, ${name}!`) })
}) {}

const main = async () => {
  const runtime = ManagedRuntime.make(Greeter.layer)
  const greeter = AsyncHandle.make(await runtime.runPromise(Greeter))
  console.log(await greeter.greet("Ada"))
  await runtime.dispose()
}

main()
