import { defineConfig } from "vite"

export default defineConfig({
  ssr: { noExternal: true },
  build: {
    ssr: true,
    outDir: "dist/vite",
    rollupOptions: {
      input: ["main.js", "hasher.worker.js"],
      output: { entryFileNames: "[name].js" }
    }
  }
})
