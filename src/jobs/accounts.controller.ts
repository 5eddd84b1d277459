import { Controller, Get } from '@nestjs/common';
import { ShowsTokensToAdmin } from '../access/decorators.js';
import { AccountQueries } from './account-queries.js';

@Controller('v1/accounts')
@ShowsTokensToAdmin()
export class AccountsController {
  constructor(private readonly accounts: AccountQueries) {}

  @Get()
  list() {
    return this.accounts.list();
  }
}
