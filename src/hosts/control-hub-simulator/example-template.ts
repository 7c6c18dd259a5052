/** The template of the Job Template Service's own example: weather over HTTP into a bucket. */
import type { ControlHubSimulator } from './simulator.ts';

/** The same at every start, so that a catalog can name it. */
export const exampleTemplateId = (organizationId: string): string => `c09f728a-2a73-4c7e-b735-2512039a9e6b:${organizationId}`;

export function createExampleTemplate(simulator: ControlHubSimulator): { readonly id: string; readonly name: string } {
  const name = 'http-to-gcs';
  const { id } = simulator.createTemplate({
    id: exampleTemplateId(simulator.hub.organizationId),
    name,
    description: 'Reads weather over HTTP and writes it to a bucket of Google Cloud Storage',
    pipelineName: 'HTTP to GCS',
    runtimeParameters: JSON.stringify({
      HTTP_URL: 'http://api.openweathermap.org/data/2.5/weather',
      CITY: 'London',
      GCS_BUCKET: 'a-bucket',
      GCS_FOLDER: 'a-folder',
      HTTP_MODE: 'POLLING',
      HTTP_METHOD: 'GET',
      GCS_CONNECTION: '',
    }),
  });
  return { id, name };
}
