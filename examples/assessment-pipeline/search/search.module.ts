import { Module } from '@nestjs/common';
import { SearchComponent } from './search.component.js';

@Module({ providers: [SearchComponent], exports: [SearchComponent] })
export class SearchModule {}
