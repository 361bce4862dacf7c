/**
 * What the page asks for about one thing at a time: an instance, a call, the calls, the timeline.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
