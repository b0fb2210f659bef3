// The AsyncAPI page: hands our document to the component. It knows nothing of what the document says.

async function show() {
  const response = await fetch("asyncapi.json");
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const schema = await response.json();
  const config = { show: { sidebar: true, errors: true } };
  AsyncApiStandalone.render({ schema, config }, document.getElementById("asyncapi"));
}

show().catch((error) => {
  const line = document.getElementById("loading");
  if (line) line.textContent = `The document could not be shown (${error.message}). It is at asyncapi.json.`;
});
