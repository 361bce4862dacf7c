/** The routes of the pages. */
import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { bundle, paths } from "./bundle.ts"

export const pages = HttpRouter.addAll(
  Effect.map(Effect.cached(Effect.promise(bundle)), (bundled) =>
    paths.map((path) =>
      HttpRouter.route(
        "GET",
        path,
        // They are bundled when the first visitor comes.
        Effect.map(bundled, (files) =>
          HttpServerResponse.text(files[path].body, { contentType: files[path].contentType })
        )
      )
    )
  )
)
