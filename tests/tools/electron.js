// What the electron test needs: electron-updater in plain Node, and block maps.
//
//   node electron.js blockmap FILE                     writes FILE.blockmap
//   node electron.js update FEED VERSION CACHE [HOW]   asks and downloads; `down` lets the client take
//                                                      a lower version, `whole` no ranges
// prints one line of JSON: what was offered, where the file is, every request and the log.
const fs = require("fs");
const http = require("http");
const path = require("path");
const crypto = require("crypto");
const zlib = require("zlib");

const BLOCK_BYTES = 16 * 1024;

function blockmap(file) {
  const bytes = fs.readFileSync(file);
  const checksums = [];
  const sizes = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    checksums.push(crypto.createHash("sha256").update(block).digest("base64").slice(0, 24));
    sizes.push(block.length);
  }
  const map = { version: "2", files: [{ name: "file", offset: 0, checksums, sizes }] };
  fs.writeFileSync(`${file}.blockmap`, zlib.gzipSync(JSON.stringify(map)));
}

async function update(feed, version, cache, how) {
  const { NsisUpdater } = require("electron-updater");
  const { HttpExecutor, DigestTransform } = require("builder-util-runtime");
  const requests = [];
  const log = [];

  class Executor extends HttpExecutor {
    createRequest(options, callback) {
      const request = http.request(options, (response) => {
        const told = { path: options.path, status: response.statusCode, bytes: 0 };
        told.ranges = (options.headers?.Range ?? options.headers?.range ?? "").split(",").filter(Boolean).length;
        told.kind = response.headers["content-type"] ?? "";
        requests.push(told);
        callback(response);
        // After the client's own listeners, so that nothing flows before they are there.
        response.on("data", (piece) => (told.bytes += piece.length));
      });
      return request;
    }
    async download(url, destination, options) {
      return await options.cancellationToken.createPromise((resolve, reject, onCancel) => {
        this.doDownload(
          { ...require("builder-util-runtime").configureRequestUrl(url, {}), host: url.hostname, hostname: url.hostname, port: url.port, path: url.pathname + url.search, protocol: url.protocol, headers: options.headers },
          { destination, options, onCancel, callback: (error) => (error == null ? resolve(destination) : reject(error)), responseHandler: null },
          0
        );
      });
    }
  }

  const app = {
    version,
    name: "editor",
    isPackaged: true,
    appUpdateConfigPath: path.join(cache, "app-update.yml"),
    userDataPath: path.join(cache, "user"),
    baseCachePath: cache,
    whenReady: () => Promise.resolve(),
    quit() {},
    relaunch() {},
    onQuit() {},
  };
  fs.mkdirSync(app.userDataPath, { recursive: true });
  fs.writeFileSync(app.appUpdateConfigPath, "updaterCacheDirName: editor\n");
  const updater = new NsisUpdater(null, app);
  updater._testOnlyOptions = { platform: "win32", isUseDifferentialDownload: how !== "whole" };
  updater.httpExecutor = new Executor();
  updater.setFeedURL({ provider: "generic", url: feed });
  updater.autoDownload = false;
  updater.autoInstallOnAppQuit = false;
  updater.allowDowngrade = how === "down";
  const note = (text) => log.push(String(text));
  updater.logger = { info: note, warn: note, error: note };
  updater.on("error", () => {});
  const found = await updater.checkForUpdates();
  const told = { available: found.isUpdateAvailable, version: found.updateInfo.version };
  if (told.available) {
    const [file] = await updater.downloadUpdate(found.cancellationToken);
    told.file = file;
  }
  console.log(JSON.stringify({ ...told, requests, log }));
}

const [what, ...rest] = process.argv.slice(2);
const work = what === "blockmap" ? blockmap : update;
Promise.resolve(work(...rest)).catch((error) => {
  console.error(error.stack ?? error);
  process.exit(1);
});
