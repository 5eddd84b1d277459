import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { openApiDocument } from './document.js';

const SWAGGER_UI = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const TYPES = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
]);

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Callsheet API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="page"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;

// A file of its own, so that the page can forbid scripts in the text.
const SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null });\n`;

/** Nothing is fetched from elsewhere: the page works where there is no internet. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/** The contract and a page to read it, without a key. Four files of Swagger UI are all that is served. */
@Controller()
export class OpenApiController {
  private document: ReturnType<typeof openApiDocument> | null = null;

  /** Made on the first request, because it takes a fifth of a second of CPU that a start need not wait for. */
  @Get('openapi.json')
  contract() {
    return (this.document ??= openApiDocument());
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  page(): string {
    return PAGE;
  }

  @Get('docs/page.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): string {
    return SCRIPT;
  }

  @Get('docs/:file')
  @Header('cache-control', 'public, max-age=3600')
  file(@Param('file') file: string): StreamableFile {
    const type = TYPES.get(file);
    if (type === undefined) throw new NotFoundException();
    return new StreamableFile(createReadStream(path.join(SWAGGER_UI, file)), { type });
  }
}
