// A server of Node: files of a folder, and POST sends its content back. node node_server.mjs FOLDER [CERTIFICATE KEY]; prints its port.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import http2 from 'node:http2'
import path from 'node:path'

const [folder, certificate, key] = process.argv.slice(2)
const server = certificate
  ? http2.createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true })
  : http2.createServer()
server.on('stream', (stream, headers) => {
  if (headers[':method'] === 'POST') {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
    return
  }
  const file = path.join(folder, path.basename(headers[':path']))
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) {
    stream.respond({ ':status': 404 }, { endStream: true })
    return
  }
  stream.respond({ ':status': 200, 'content-length': found.size })
  createReadStream(file).pipe(stream)
})
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`))
