// A client nobody here wrote: npm's `ws`, plain text. Prints what it receives, one JSON string a line.
import WebSocket from 'ws';

const socket = new WebSocket(process.argv[2]);
const questions = process.argv.slice(3);
socket.on('message', (data, isBinary) => {
  if (isBinary) throw new Error('a binary frame');
  console.log(JSON.stringify(data.toString()));
  const question = questions.shift();
  if (question === undefined) socket.close(1000, 'done');
  else socket.send(question);
});
socket.on('close', (code) => process.exit(code === 1000 ? 0 : 1));
socket.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
