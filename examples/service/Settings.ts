/** What can be set from outside, by environment variables. They are read once, at the start: a wrong one ends it there. */
import { Config, Context, Effect, Layer, Schema } from "effect"

const settings = Config.all({
  /** Where the service listens. 0 takes any free port. */
  port: Config.schema(Schema.Port, "PORT").pipe(Config.withDefault(3000)),
  /** Where the live view listens. 0 takes any free port. */
  inspectorPort: Config.schema(Schema.Port, "INSPECTOR_PORT").pipe(Config.withDefault(4680)),
  requestsPerSecond: Config.schema(Schema.Int.check(Schema.isGreaterThan(0)), "REQUESTS_PER_SECOND").pipe(
    Config.withDefault(20)
  ),
  courierMillis: Config.schema(Schema.Natural, "COURIER_MILLIS").pipe(Config.withDefault(50)),
  /** A collector of traces and metrics, such as http://127.0.0.1:4318. */
  otlp: Config.String("OTEL_EXPORTER_OTLP_ENDPOINT").pipe(Config.withDefault(""))
})

export class Settings extends Context.Service<Settings, Config.Success<typeof settings>>()("service/Settings") {
  static readonly layer = Layer.effect(Settings)(
    Effect.gen(function* () {
      return yield* settings
    })
  )
}
