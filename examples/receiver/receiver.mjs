// A receiver of usage-to-cash webhooks in one file: `npm install standardwebhooks`, then
//   WEBHOOK_SECRET=whsec_… node receiver.mjs 8900
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const BODY_MAX_BYTES = 64 * 1024;
const seen = new Set();

createServer(async (request, response) => {
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of request) {                    // it throws when the sender hangs up
      size += chunk.length;
      if (size <= BODY_MAX_BYTES) chunks.push(chunk);
    }
    const event = new Webhook(process.env.WEBHOOK_SECRET).verify(Buffer.concat(chunks), request.headers);
    const id = request.headers["webhook-id"];
    if (!seen.has(id)) console.log(`${event.customer} #${event.sequence} ${event.type}: ${JSON.stringify(event.data)}`);
    seen.add(id);
    response.writeHead(204).end();
  } catch {
    response.writeHead(400).end();
  }
}).listen(Number(process.argv[2] ?? 8900), "127.0.0.1");
