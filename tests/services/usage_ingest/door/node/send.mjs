// Sends events with a Node SDK as its documentation shows: node send.mjs CLIENT URL KEY, a JSON array of events on stdin.
// Prints one JSON value a call: what the SDK gave its caller.
import { OpenMeter } from '@openmeter/sdk'
import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents'

const [client, url, key] = process.argv.slice(2)
let stdin = ''
for await (const part of process.stdin) stdin += part
const events = JSON.parse(stdin)
const say = (value) => console.log(JSON.stringify(value ?? null))

if (client === 'openmeter') {
  const openmeter = new OpenMeter({ baseUrl: url, apiKey: key })
  const dated = events.map((event) => (event.time ? { ...event, time: new Date(event.time) } : event))
  say(await openmeter.events.ingest(dated[0]))
  if (dated.length > 1) say(await openmeter.events.ingest(dated.slice(1)))
} else {
  const emit = emitterFor(httpTransport(`${url}/v1/events`), { mode: client === 'binary' ? Mode.BINARY : Mode.STRUCTURED })
  for (const event of events) {
    const answer = await emit(new CloudEvent(event), { headers: { authorization: `Bearer ${key}` } })
    say(JSON.parse(answer.body))
  }
}
