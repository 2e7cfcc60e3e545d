/**
 * Who may import whom (docs/ARCHITECTURE.md), as rules that dependency-cruiser keeps over src/. A rule's `comment` is
 * what its failure says. Every rule has a tree that breaks it under test/fixtures/import-rules/NAME; see
 * test/import-rules.test.ts. Imports of types count: a dependency is one, compiled away or not.
 */

const DISK = '^(node:)?fs(/promises)?$';
const DRIVERS = '(^|node_modules/)(fs-native-extensions|pg|libsql)(/|$)';
const EXPRESS = '(^|node_modules/)(@nestjs/platform-express|@types/express|express)(/|$)';
const FASTIFY = '(^|node_modules/)(@nestjs/platform-fastify|@fastify/[a-z-]+|fastify)(/|$)';
const HTTP = '(^|node_modules/)(@nestjs/platform-[a-z]+|@nestjs/swagger|@types/express|express|fastify)(/|$)';
const PORTS = '^src/session/store/[^/]+\\.ts$';
const ANY_STORE = '^src/session/store/[^/]+/';
const COMMAND_LINE = '^src/cli/';
const ENTRY = '^src/(main|[a-z-]+/main|[a-z-]+/index|.*\\.worker)\\.ts$';
const JUNK = '^src/.*\\b(utils?|common|helpers?|shared)(/|\\.[^/]*$)';

module.exports = {
  forbidden: [
    {
      name: 'domain-is-pure',
      comment: 'The domain imports only itself and node:crypto: no Nest, no I/O, no npm package.',
      severity: 'error',
      from: { path: '^src/session/domain/' },
      to: { pathNot: ['^src/session/domain/', '^(node:)?crypto$'] },
    },
    {
      name: 'disk-only-in-stores',
      comment: 'Only src/session/store/ touches the file system or a database driver.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/session/store/'] },
      to: { path: [DISK, DRIVERS] },
    },
    {
      name: 'only-session-module-names-stores',
      comment:
        'Only session.module.ts and the command line name a concrete store; everybody else knows the port, session-store.ts.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/session/session\\.module\\.ts$', '^src/session/store/', COMMAND_LINE],
      },
      to: { path: ANY_STORE },
    },
    {
      name: 'port-knows-only-the-domain',
      comment:
        'What stands above all stores (the port, session-store.ts, and the copying from one into another) imports the domain and nothing else.',
      severity: 'error',
      from: { path: PORTS },
      to: { pathNot: ['^src/session/domain/', PORTS] },
    },
    {
      name: 'stores-share-nothing',
      comment: 'Stores do not import each other: they share the domain and the contract suite, nothing else.',
      severity: 'error',
      from: { path: '^src/session/store/([^/]+)/' },
      to: { path: ANY_STORE, pathNot: ['^src/session/store/$1/'] },
    },
    {
      name: 'stores-look-down',
      comment:
        'A store imports the domain, what stands above all stores, node and npm packages: no service, no controller, no DTO, no HTTP.',
      severity: 'error',
      from: { path: '^src/session/store/', pathNot: [PORTS] },
      to: { path: ['^src/', HTTP], pathNot: ['^src/session/domain/', PORTS, ANY_STORE] },
    },
    {
      name: 'component-stands-alone',
      comment:
        'The component, src/session/, imports nothing of the server around it: others use it without that server.',
      severity: 'error',
      from: { path: '^src/session/' },
      to: { path: '^src/', pathNot: ['^src/session/'] },
    },
    {
      name: 'component-through-its-index',
      comment:
        'The server imports the component through src/session/index.ts, as every other application does; but for the addresses of databases, which the command line has to know, too.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/session/', COMMAND_LINE] },
      to: { path: '^src/session/', pathNot: ['^src/session/(index|store/database-address)\\.ts$'] },
    },
    {
      name: 'testing-is-for-tests',
      comment:
        'Nothing of the product imports src/testing/: it is for tests, and brings what only they need.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/'] },
      to: { path: ['^src/testing/', '(^|node_modules/)expect(/|$)'] },
    },
    {
      name: 'command-line-needs-no-nest',
      comment:
        'The command line imports stores, what copies them, and the domain: no Nest, no service, nothing of the server but its configuration.',
      severity: 'error',
      from: { path: COMMAND_LINE },
      to: {
        path: ['^src/', '(^|node_modules/)@nestjs/'],
        pathNot: [COMMAND_LINE, '^src/(config|version)\\.ts$', '^src/session/domain/', PORTS, ANY_STORE],
      },
    },
    {
      name: 'controller-calls-the-service',
      comment:
        'A controller imports the service, DTOs, and what stands on its routes (pipe, filter, headers, OpenAPI): no store, no domain.',
      severity: 'error',
      from: { path: '^src/session/[^/]*\\.controller\\.ts$' },
      to: {
        path: '^src/',
        pathNot: ['^src/session/[^/]+\\.(service|dto|pipe|filter|etag|idempotency|openapi)\\.ts$'],
      },
    },
    {
      name: 'service-knows-no-edge',
      comment:
        'The service imports nothing of HTTP (controller, filter, pipe, headers, OpenAPI) and no module: it has other callers too.',
      severity: 'error',
      from: { path: '^src/session/[^/]*\\.service\\.ts$' },
      to: { path: '^src/.*\\.(controller|filter|pipe|etag|idempotency|openapi|module)\\.ts$' },
    },
    {
      name: 'express-in-its-file',
      comment: 'Only app.express.ts imports Express: whatever else is about HTTP holds on every adapter.',
      severity: 'error',
      // What stores may import of HTTP is told by stores-look-down.
      from: { path: '^src/', pathNot: ['^src/app\\.express\\.ts$', ANY_STORE] },
      to: { path: EXPRESS },
    },
    {
      name: 'fastify-in-its-file',
      comment: 'Only app.fastify.ts imports Fastify: whatever else is about HTTP holds on every adapter.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/app\\.fastify\\.ts$', ANY_STORE] },
      to: { path: FASTIFY },
    },
    {
      name: 'no-cycles',
      comment: 'No cycles: of two files that import each other, neither can be understood or tested alone.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment:
        'Every file is reached from a main.ts or an index.ts, or is a thread (.worker.ts); any other is dead, or alive in tests only.',
      severity: 'error',
      from: { path: ENTRY },
      // Declarations (.d.ts) are found by the compiler, not imported.
      to: { path: '^src/', pathNot: [ENTRY, '\\.d\\.ts$'], reachable: false },
    },
    {
      name: 'no-junk-drawers',
      comment:
        'No utils, common, helpers or shared: code lives with what it serves, under the name of what it does.',
      severity: 'error',
      from: {},
      to: { path: JUNK },
    },
    {
      name: 'no-tests-or-examples',
      comment: 'src imports nothing of test/ or examples/, nor of anything else outside src.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['local'], pathNot: ['^src/'] },
    },
    {
      name: 'only-listed-packages',
      comment:
        'src imports only packages that package.json lists as dependencies or peers: no tool, no package of a package.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        // Types alone are needed only where the code is compiled, and they come from @types packages.
        dependencyTypesNot: ['npm', 'npm-optional', 'npm-peer', 'type-only'],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
