/** Settings from environment variables. They are read once, at the start: an invalid one ends the program there. */
import { Context, Effect, Layer, Schema } from "effect"
import { portSetting, setting } from "../server.ts"

const settings = Effect.all({
  /** Where the service listens. 0 takes any free port. */
  port: portSetting("PORT", 3000),
  /** Where the live view listens. 0 takes any free port. */
  inspectorPort: portSetting("INSPECTOR_PORT", 4680),
  requestsPerSecond: setting({
    name: "REQUESTS_PER_SECOND",
    schema: Schema.Int.check(Schema.isGreaterThan(0)),
    expected: "a whole number of at least 1",
    otherwise: 20
  }),
  courierMillis: setting({
    name: "COURIER_MILLIS",
    schema: Schema.Natural,
    expected: "a whole number of at least 0",
    otherwise: 50
  }),
  /** A collector of traces and metrics, such as http://127.0.0.1:4318. */
  otlp: setting({
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    schema: Schema.String.check(Schema.isPattern(/^(https?:\/\/.*)?$/)),
    expected: "the address of a collector, such as http://127.0.0.1:4318",
    otherwise: ""
  })
})

export class Settings extends Context.Service<Settings, Effect.Success<typeof settings>>()("service/Settings") {
  static readonly layer = Layer.effect(Settings)(settings)
}
