// Requests to the server of this page.

// Without a session the browser goes to the login page.
export async function request(address, options = {}) {
  const response = await fetch(address, options);
  if (response.status === 401) location.assign("/login");
  return response;
}

// The JSON of an answer; throws an Error with the server's own message.
export async function requestJson(address, options = {}) {
  const response = await request(address, options);
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const content = isJson ? await response.json() : { problem: (await response.text()).trim() };
  if (!response.ok) throw new Error(content.problem || `The server answered ${response.status}.`);
  return content;
}
